"""Prints what the build of the models depends on, as its marker has it."""

from luigi_pipeline import DbtBuild

print(DbtBuild().fingerprint())
