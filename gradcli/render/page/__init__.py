"""The stepping page: a circuit that is stepped through in a browser, forwards and backwards."""
