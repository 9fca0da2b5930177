"""What belongs to the request that is being answered: the rooms of this worker."""

from flask import current_app

from parvis.services import Services


def get_services() -> Services:
    """The rooms of this worker."""
    services: Services = current_app.extensions["parvis"]
    return services
