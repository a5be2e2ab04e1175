"""Settings every test shares."""

from hypothesis import settings

# A push must not fail by chance, so its examples are always the same; `--hypothesis-profile=nightly`
# draws new ones. No example has a deadline: no test here asserts a time.
settings.register_profile("push", deadline=None, database=None, derandomize=True, max_examples=150)
settings.register_profile("nightly", deadline=None, database=None, max_examples=3000)
settings.load_profile("push")
