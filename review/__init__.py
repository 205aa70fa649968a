"""What a reviewer reads of a preview: one comment for each stack, made from the engine's plan.

`python -m review` makes it, `python -m review.post` puts it where it belongs. It knows neither the
engine nor this project's program: a plan comes in as JSON or as steps.
"""
