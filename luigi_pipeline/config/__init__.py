"""The settings of a run: the options, the configuration file, the project's folder and the environment."""
