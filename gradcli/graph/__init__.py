"""The graph: nodes that are topological by construction, and how trees become nodes."""
