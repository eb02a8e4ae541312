"""What went wrong with Google Cloud, in words: the login, permission or API that is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from melange_cloud.names import shorten
from melange_cloud.prices.clouds import CloudError

LOGIN_HINT = (
    "log in with `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS"
)
ROLE_HINT = "docs/prices.md has the whole least-privilege role"


@contextmanager
def explained(permission: str) -> Iterator[None]:
    """Turn the SDK's exceptions into CloudError. ``permission`` is what the call needs."""
    import requests
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth
    from google.protobuf import json_format

    try:
        yield
    except auth.DefaultCredentialsError as error:
        said = str(error)
        what = "no credentials were found" if "were not found" in said else shorten(said, 200)
        raise CloudError(f"Google Cloud: {what}", hint=LOGIN_HINT) from error
    except (auth.RefreshError, auth.ReauthFailError, api.Unauthorized) as error:
        raise CloudError(
            f"Google Cloud: the credentials were refused: {shorten(error, 160)}", hint=LOGIN_HINT
        ) from error
    except api.Forbidden as error:
        raise _forbidden(_without_url(error.message), permission) from error
    except api.RetryError as error:
        cause = shorten(_without_url(str(error.cause or error)), 200)
        raise CloudError(
            f"Google Cloud fails {permission} even after retries: {cause}", hint="try later"
        ) from error
    except api.GoogleAPICallError as error:
        said = shorten(_without_url(error.message), 200)
        raise CloudError(f"Google Cloud refused {permission}: {error.code} {said}") from error
    except (auth.GoogleAuthError, requests.RequestException, OSError) as error:
        raise CloudError(
            f"Google Cloud cannot be reached ({permission}): {shorten(error, 200)}"
        ) from error
    except (json_format.Error, ValueError, KeyError, TypeError) as error:
        text = f"{type(error).__name__}: {shorten(error, 200)}"
        raise CloudError(
            f"Google Cloud gave an answer that cannot be read ({permission}): {text}"
        ) from error


def _without_url(message: str | None) -> str:
    """What Google said, without the request before it: it differs from zone to zone."""
    return re.sub(r"\b[A-Z]+ https?://\S+: ", "", message or "")


def _forbidden(message: str, permission: str) -> CloudError:
    """403 is a missing permission, or an API that is not switched on in the project."""
    api_name = re.search(r"([a-z]+\.googleapis\.com)", message)
    if re.search(r"has not been used|is disabled|SERVICE_DISABLED", message):
        name = api_name[1] if api_name else "the API"
        return CloudError(
            f"Google Cloud: {name} is not enabled in this project",
            hint=f"enable it with `gcloud services enable {name}`",
        )
    named = re.search(r"[Rr]equired '([\w.]+)' permission", message)
    lacking = named[1] if named else permission
    return CloudError(
        f"Google Cloud: this login lacks the permission {lacking}: {shorten(message, 160)}",
        hint=ROLE_HINT,
    )
