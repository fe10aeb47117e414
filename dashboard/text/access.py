"""Signing in."""

from __future__ import annotations

TITLE, PASSWORD, SIGN_IN, SIGN_OUT = "Sign in", "Password", "Sign in", "Sign out"
WRONG = "This is not the password of a viewer or an operator."
SIGNED_IN = "Signed in as {}"
ROLES = {"viewer": "viewer", "operator": "operator"}
NAMES = {"viewer": "somebody", "operator": "operator here"}
"""Who has not had to sign in"""
NOT_INVITED = "{name} has signed in, but may not see this dashboard. Ask its operators."
NOTHING_SET = (
    "Sign-in with a password is switched on, but no password is set that has {least} characters or more: set "
    "SKYTIER_DASHBOARD_OPERATOR_PASSWORD, and SKYTIER_DASHBOARD_VIEWER_PASSWORD for those who may only look."
)
NO_PROVIDER = (
    "Sign-in with OpenID Connect is switched on, but there is no provider: .streamlit/secrets.toml needs a section "
    "[auth] (see docs/dashboard.md)."
)
OPERATORS_ONLY = "Only operators may do this."
