"""The version of the package, for its face, its command line and its reports."""

__version__ = "0.1.0"
