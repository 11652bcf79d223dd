"""An owner's file as text or as the rows of a table, whatever its encoding and format.

Step 01 reads writing with it and step 03 problems.
"""
