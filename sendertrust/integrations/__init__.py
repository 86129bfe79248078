"""Optional modules, one a mail server: each extracts, calls and answers, and nothing else."""
