"""One module per task of the pipeline, each with one entry function."""
