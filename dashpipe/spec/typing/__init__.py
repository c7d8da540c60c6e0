"""The expressions of a subject in their scopes: what reads a source, and the types that its fields have.

Lint and the compiler both type through here, so that what lint passes compiles.
"""
