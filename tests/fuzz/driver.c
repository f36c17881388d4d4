/* libFuzzer with a Python function as its target, as an extension module: driver.run(arguments, function).
 *
 * Each input is given to the function as bytes. An exception that the function lets out is a finding: it is printed and
 * the process ends, as it does when a sanitizer finds something in a compiled module. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>
#include <stdlib.h>

/* Of libFuzzer (compiler-rt, FuzzerInterface.h). */
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*target)(const uint8_t *octets, size_t size));

static PyObject *target;

static int give(const uint8_t *octets, size_t size)
{
    PyObject *result = PyObject_CallFunction(target, "y#", (const char *)octets, (Py_ssize_t)size);
    if (result == NULL) {
        PyErr_Print();
        abort();
    }
    Py_DECREF(result);
    return 0;
}

static PyObject *run(PyObject *module, PyObject *arguments)
{
    PyObject *words;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O!O", &PyList_Type, &words, &target))
        return NULL;
    int argc = (int)PyList_GET_SIZE(words);
    char **argv = calloc((size_t)argc + 1, sizeof *argv);
    if (argv == NULL)
        return PyErr_NoMemory();
    for (int index = 0; index < argc; index++) {
        argv[index] = (char *)PyUnicode_AsUTF8(PyList_GET_ITEM(words, index));
        if (argv[index] == NULL) {
            free(argv);
            return NULL;
        }
    }
    int status = LLVMFuzzerRunDriver(&argc, &argv, give); /* which ends the process where it is done */
    free(argv);
    return PyLong_FromLong(status);
}

static PyMethodDef methods[] = {
    {"run", run, METH_VARARGS, "run(arguments, function): fuzz until the arguments say that it is enough."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "driver", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_driver(void)
{
    return PyModule_Create(&definition);
}
