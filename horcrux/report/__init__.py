"""The report: what an environment did over days, as one HTML file that needs nothing else."""
