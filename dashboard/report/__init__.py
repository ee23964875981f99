"""Runs as one HTML file that needs no server and no network: the figures are the live pages' own, and stay live."""

from dashboard.report.contenders import Contender as Contender
from dashboard.report.document import compared as compared
from dashboard.report.document import report as report
from dashboard.report.document import size as size
from dashboard.report.race import race_report as race_report
from dashboard.report.sections import Drawing as Drawing
from dashboard.report.sections import Section as Section
