"""The report: published/report/index.html, one page that answers the questions the data are for.

Its numbers come from the metrics (`questions`, `effects`), its charts are altair's (`charts`), what it says of the data
themselves comes from markers and the validation (`facts`). `page` puts them together, `notice` says on top of a page
that stands that a newer validation failed. `python -m luigi_pipeline.report DATA_DIR` makes it anew.
"""
