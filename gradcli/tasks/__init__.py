"""Tasks: what each command answers, one file a command."""
