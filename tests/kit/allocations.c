/* Counts what the interpreter allocates: every block for an object, or for what belongs to one (PyMem_SetAllocator). */

#include <Python.h>

static PyMemAllocatorEx objects, others;
static unsigned long long count;

static void *count_malloc(void *context, size_t size) { count++; return ((PyMemAllocatorEx *)context)->malloc(((PyMemAllocatorEx *)context)->ctx, size); }
static void *count_calloc(void *context, size_t number, size_t size) { count++; return ((PyMemAllocatorEx *)context)->calloc(((PyMemAllocatorEx *)context)->ctx, number, size); }
static void *count_realloc(void *context, void *block, size_t size) { count++; return ((PyMemAllocatorEx *)context)->realloc(((PyMemAllocatorEx *)context)->ctx, block, size); }
static void pass_free(void *context, void *block) { ((PyMemAllocatorEx *)context)->free(((PyMemAllocatorEx *)context)->ctx, block); }

static void begin(PyMemAllocatorDomain domain, PyMemAllocatorEx *before)
{
    PyMem_GetAllocator(domain, before);
    PyMemAllocatorEx counting = {before, count_malloc, count_calloc, count_realloc, pass_free};
    PyMem_SetAllocator(domain, &counting);
}

/* To be called with the interpreter's lock, by turns. */
void allocations_begin(void)
{
    count = 0;
    begin(PYMEM_DOMAIN_OBJ, &objects);
    begin(PYMEM_DOMAIN_MEM, &others);
}

unsigned long long allocations_end(void)
{
    PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &objects);
    PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &others);
    return count;
}
