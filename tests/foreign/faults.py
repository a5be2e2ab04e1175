"""Functions that fail in every way that code can fail in."""

import ctypes
import os
import sys

import numpy as np


def twice(x):
    print("a word on the way")
    os.write(1, b"and one past Python\n")
    return 2 * np.asarray(x)


def back(*values):
    return values


def divides(x):
    return x / 0


def exits():
    sys.exit(3)


def leaves():
    os._exit(5)


def loops():
    return all(n < 1 for n in iter(int, 1))


def crashes():
    ctypes.string_at(0)


def forks():
    return os.fork()


def eats():
    return len(np.ones(10**12))


def gives_an_object():
    return object()


class Mute(Exception):
    def __str__(self):
        raise ValueError("no text")


def is_mute():
    raise Mute


def puts_others_in_place():
    import json

    json.dumps = json.loads = None
    return 1
