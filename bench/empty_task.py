"""The least that Luigi can do."""

import luigi


class Empty(luigi.Task):
    """A task that does nothing."""

    done = False

    def complete(self) -> bool:
        """Whether it was run."""
        return self.done

    def run(self) -> None:
        """Do nothing."""
        self.done = True
