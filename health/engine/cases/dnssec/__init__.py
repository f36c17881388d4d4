"""The DNSSEC module; which file a case is in:

delegation   DNSSEC01 DS digest algorithm, DNSSEC02 DS matches a valid DNSKEY, DNSSEC11 DS requires a signed zone
served       DNSSEC06 DNSSEC data is served, DNSSEC07 signed zone and DS in parent
signatures   DNSSEC04 lifetimes, DNSSEC08 RRSIG of DNSKEY, DNSSEC09 RRSIG of SOA, DNSSEC13 every algorithm signs
key_quality  DNSSEC05 DNSKEY algorithms, DNSSEC14 RSA key size
nsec3        DNSSEC03 NSEC3 parameters
denial       DNSSEC10 NSEC and NSEC3
child_ds     DNSSEC15 CDS and CDNSKEY agree, DNSSEC16 CDS, DNSSEC17 CDNSKEY, DNSSEC18 trust from DS to them

There is no DNSSEC12. The rest: algorithms (numbers), records (reading them), verification (of signatures).
"""

from health.engine.cases.dnssec import child_ds, delegation, denial, key_quality, nsec3, served, signatures

__all__ = ["child_ds", "delegation", "denial", "key_quality", "nsec3", "served", "signatures"]
