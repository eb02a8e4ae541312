"""What went wrong with AWS, in words: the login or the permission that is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from melange_cloud.names import shorten
from melange_cloud.prices.clouds import CloudError, RegionNotEnabled

LOGIN_HINT = (
    "log in with `aws configure`, `aws sso login` or `aws login`, or name a profile in AWS_PROFILE"
)
POLICY_HINT = "docs/prices.md has the whole least-privilege policy"

WRONG_CREDENTIALS = {
    "AuthFailure",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
}
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
NO_PERMISSION = {
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "UnauthorizedException",
}
NOT_ENABLED = {"OptInRequired", "RegionDisabledException"}
THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "RequestThrottled",
    "SlowDown",
}


@contextmanager
def explained(action: str, region: str | None = None) -> Iterator[None]:
    """Turn the SDK's exceptions into CloudError or RegionNotEnabled.

    ``action`` is the IAM action of the call, such as ``pricing:GetProducts``.
    """
    from botocore import exceptions as sdk
    from botocore.parsers import ResponseParserError

    try:
        yield
    except sdk.ClientError as error:
        raise _answered(error, action, region) from error
    except sdk.ProfileNotFound as error:
        raise CloudError(f"AWS: {error}", hint=LOGIN_HINT) from error
    except (sdk.NoCredentialsError, sdk.NoAuthTokenError) as error:
        raise CloudError("AWS: no credentials were found", hint=LOGIN_HINT) from error
    except (
        sdk.PartialCredentialsError,
        sdk.CredentialRetrievalError,
        sdk.SSOError,
        sdk.TokenRetrievalError,
        sdk.LoginError,
    ) as error:
        raise CloudError(f"AWS: no usable login: {shorten(error, 200)}", hint=LOGIN_HINT) from error
    except (sdk.HTTPClientError, sdk.ConnectionError) as error:
        raise CloudError(f"AWS cannot be reached ({action}): {shorten(error, 200)}") from error
    except (sdk.BotoCoreError, ResponseParserError, ValueError, KeyError, TypeError) as error:
        text = f"{type(error).__name__}: {shorten(error, 200)}"
        raise CloudError(f"AWS gave an answer that cannot be read ({action}): {text}") from error


def _answered(error: Exception, action: str, region: str | None) -> CloudError | RegionNotEnabled:
    """The error AWS answered with. botocore's ClientError carries it in ``response``."""
    response = getattr(error, "response", {})
    code = str(response.get("Error", {}).get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = shorten(response.get("Error", {}).get("Message", ""), 200)
    if code in NOT_ENABLED:
        return RegionNotEnabled(f"AWS: the region {region} is not enabled in this account")
    if code in WRONG_CREDENTIALS:
        return CloudError(f"AWS: the credentials were refused ({code})", hint=LOGIN_HINT)
    if code in EXPIRED:
        return CloudError(f"AWS: the login has expired ({code})", hint=LOGIN_HINT)
    if code in NO_PERMISSION:
        return CloudError(f"AWS: this login lacks the permission {action}", hint=POLICY_HINT)
    if code in THROTTLED or status == 429:
        return CloudError(f"AWS throttles {action} even after retries ({code})", hint="try later")
    if status >= 500:
        return CloudError(f"AWS failed {action} even after retries (HTTP {status} {code}) {said}")
    return CloudError(f"AWS refused {action}: {code} {said}")
