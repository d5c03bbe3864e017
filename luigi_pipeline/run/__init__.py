"""One run: how it begins, what it holds, its failures, its end, and whom it tells. Only here is Luigi hooked into."""
