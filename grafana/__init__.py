"""Boards for Grafana: Python that writes the JSON under dashboards/."""
