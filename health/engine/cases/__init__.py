"""The test cases: one module a test module of the catalogue, one function a case."""
