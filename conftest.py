"""The list of plug-ins; what each lends is said in its own docstring."""

pytest_plugins = [
    "judging.plugin",
    "reports.allure",
    "reports.junit",
    "reports.summary",
    "fixtures.stack",
    "fixtures.cluster",
    "fixtures.apis",
    "fixtures.databases",
    "fixtures.load",
    "fixtures.browser",
    "fixtures.evidence",
    "fixtures.enactment",
    "fixtures.enactment.sock_shop",
    "fixtures.checking",
    "steps.incidents",
    "steps.operations",
    "steps.records",
    "steps.shopping",
    "steps.signs",
]
