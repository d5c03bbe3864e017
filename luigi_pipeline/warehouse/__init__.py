"""The warehouse. Only this folder knows which engine holds it, and how a month gets into it."""
