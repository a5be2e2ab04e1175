"""The commands: words to a request, one call, a report, an exit code. Nothing else prints."""
