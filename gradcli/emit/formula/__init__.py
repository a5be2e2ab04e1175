"""Derivatives as formulas: the engine's two loops over terms that simplify themselves.

terms     sums and products, and what becomes of them
arrays    matrices, sums along axes, and what is broadcast
formulas  the arithmetic whose numbers are terms
text      a term in the language
latex     a term in LaTeX
"""
