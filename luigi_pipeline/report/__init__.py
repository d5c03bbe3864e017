"""The report: published/report/index.html, one page that answers the questions that the data are for.

Its numbers come from the metrics (`questions`, `effects`), its charts are altair's (`charts`), and its statements about
the data come from markers and the validation (`facts`). `page` puts them together. `notice` adds to a published page
that a newer validation failed. `python -m luigi_pipeline.report DATA_DIR` makes the report again.
"""
