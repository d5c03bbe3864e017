"""Packaging. The versions that are known to work together are pinned in requirements.lock."""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="nyc-mobility-pipeline",
    version="0.1.0",
    description="NYC taxi trips, CitiBike trips and hourly weather, from their publishers to a validated warehouse",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    python_requires=">=3.11,<3.13",
    packages=find_packages(include=["luigi_pipeline", "luigi_pipeline.*"]),
    package_data={
        "luigi_pipeline": ["py.typed"],
        "luigi_pipeline.sample": ["*.csv"],
        "luigi_pipeline.report": ["static/*"],
        "luigi_pipeline.validation": ["static/*"],
    },
    install_requires=[
        "altair>=5.5,<7",
        "dbt-core>=1.11,<1.12",
        "dbt-duckdb>=1.11,<1.12",
        "dbt-metricflow>=0.15,<0.16",
        "dlt[duckdb]>=1.31,<1.32",
        "duckdb>=1.5,<1.6",
        "duckdb-sqlalchemy>=1.5,<1.6",
        "great-expectations>=1.24,<1.25",
        "httpx[socks]>=0.28,<1",
        "jinja2>=3",
        "luigi>=3.8,<3.9",
        "numpy>=2,<3",
        "plotext>=5.3,<6",
        "prometheus-client>=0.20",
        "psutil>=6",
        "pyarrow>=20",
        "pydantic>=2.10,<3",
        "pyyaml>=6",
        "rich>=13",
        "setuptools",
        "sqlalchemy>=2.0,<2.1",
        "tenacity>=8.5",
        "tzdata",
        "vl-convert-python>=1.7,<2",
    ],
    extras_require={
        "dev": [
            "aiosmtpd>=1.4",
            "axe-playwright-python>=0.1",
            "cryptography>=42",
            "hypothesis>=6",
            "mypy>=1.11",
            "playwright>=1.49",
            "pre-commit>=3",
            "pytest>=8",
            "pytest-xdist>=3",
            "ruff>=0.6",
            "sqlfluff>=4.4,<5",
            "sqlfluff-templater-dbt>=4.4,<5",
            "types-PyYAML",
        ],
    },
)
