"""What the adversary's rows stand on: a root, one top-level domain of the adversary's, `evil.`, and the
good ones, `good.` and `victim.`."""

from . import wire
from .servers import ROOT, TLD, Zone

GOOD, VICTIM = '198.18.0.3', '198.18.0.4'
# Answers like any other server, and has nothing to do with an attack.
ADDRESS = wire.address('192.0.2.1')


def root(rows):
    """All zones: those of the rows, and what lies above them. `evil.` has a cut for each zone."""
    zones = [zone for row in rows for zone in row.zones]
    cuts = {}
    for zone in zones:
        cuts.setdefault(zone.name, {f'ns.{zone.name}': []})[f'ns.{zone.name}'].append(zone.address)
    for row in rows:
        cuts.update(row.cuts)
    top = {'evil.': {'ns.evil.': [TLD]}, 'good.': {'ns.good.': [GOOD]}, 'victim.': {'ns.victim.': [VICTIM]}}
    return [
        Zone('.', ROOT, records=own('.', 'a.root.', ROOT), cuts=top),
        Zone('evil.', TLD, records=own('evil.', 'ns.evil.', TLD), cuts=cuts),
        Zone('good.', GOOD, records=own('good.', 'ns.good.', GOOD) | {('*', wire.A): [ADDRESS]}),
        # Whoever is led here finds nothing.
        Zone('victim.', VICTIM, records=own('victim.', 'ns.victim.', VICTIM)),
        *zones,
    ]


def own(zone, server, address):
    """What every zone says of itself."""
    return {(zone, wire.NS): [wire.wire(server)], (zone, wire.SOA): [wire.soa(zone)],
            (server, wire.A): [wire.address(address)]}
