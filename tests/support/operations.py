"""Order operations, as a socket names them, as requests over HTTP."""

from typing import Any

Request = tuple[str, str, dict[str, Any]]
"""A method, a path under the API, and what else of the request: `json` or `params`."""


def rest_request(op: str, params: Any) -> Request:
    """Write an operation of the socket as the request that asks for the same over HTTP."""
    rest = {name: value for name, value in params.items() if name != "id"} if isinstance(params, dict) else params
    match op:
        case "order.submit":
            return "POST", "orders/", {"json": params}
        case "order.batch":
            return "POST", "orders/batch/", {"json": params}
        case "order.amend":
            return "PATCH", f"orders/{params['id']}/", {"json": rest}
        case "order.cancel" if "client_order_id" in params:
            query = {name: value for name, value in rest.items() if name != "client_order_id"}
            return "DELETE", f"orders/by-client-order-id/{params['client_order_id']}/", {"params": query}
        case "order.cancel":
            return "DELETE", f"orders/{params['id']}/", {"params": rest}
        case "order.cancel_all":
            words = {name: {True: "true", False: "false"}.get(value, value) for name, value in params.items()}
            return "DELETE", "orders/", {"params": words}
    raise AssertionError(op)
