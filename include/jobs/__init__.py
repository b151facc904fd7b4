"""One module a task of the pipeline, each with one entry function."""
