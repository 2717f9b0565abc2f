"""Places to train a study's cohorts outside this process: local processes, a Dask cluster, Slurm."""
