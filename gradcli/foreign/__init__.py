"""Other people's code: run in a child process on explicit request, and only there.

    child    starts the process, asks it, and turns every way in which it may fail into an error
    wire     what passes between both: JSON and the bytes of arrays, never a pickle
    worker   the child's own main program: loads the code and serves it
    sides    what the worker can do with the code it has loaded, one module each

The child is a fence against faults, not against malice: who names a file runs what is in it.
"""
