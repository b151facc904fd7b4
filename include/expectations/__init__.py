"""Great Expectations suites, one per table.

Great Expectations takes seconds to import: jobs import the modules that need it inside a function, once
they have found something to check.
"""
