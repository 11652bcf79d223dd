"""What a notebook shows: forms, tables, pictures, running steps; and the tour without a browser."""
