"""What the child can do with the code it has loaded: a table `VERBS` of functions a module.

A verb gets the loaded module first, then what the parent sends; it may return whatever
`gradcli.foreign.wire` carries. Verbs run in the child only.
"""
