"""Hypothesis measures rules here, not time: a busy machine must not fail a test."""

import hypothesis

hypothesis.settings.register_profile("no_deadline", deadline=None)
hypothesis.settings.load_profile("no_deadline")
