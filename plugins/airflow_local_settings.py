"""Daybreak's policy hooks for a plugins-folder deployment. With a file of your own, these two lines go into it."""

from daybreak.surfaces.policy import dag_policy, task_policy

__all__ = ["dag_policy", "task_policy"]
