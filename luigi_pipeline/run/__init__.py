"""One run: how it begins, what it holds, its failures, its end, its alerts.

Only this folder changes how Luigi works.
"""
