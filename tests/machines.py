"""The machines that the README's table names."""

from twinlib.models import which_card

MACHINES = {
    f"{key.removeprefix('models.')}, {gigabytes} GB": machine
    for (key, gigabytes), machine in which_card.MACHINES.items()
}
