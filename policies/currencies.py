"""Currencies and how many decimals their minor unit has: ISO 4217, List One (maintained by SIX), funds and metals left out."""

from __future__ import annotations

USD = "USD"

_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_TWO = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC "
    "CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES "
    "KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR "
    "NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT "
    "TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
)
_THREE = "BHD IQD JOD KWD LYD OMR TND"

DECIMALS: dict[str, int] = {
    code: decimals for codes, decimals in ((_NONE, 0), (_TWO, 2), (_THREE, 3)) for code in codes.split()
}
"""How many decimals the minor unit of each currency has: 2 for dollars and cents, 0 for yen."""


def code_of(value: object) -> str | None:
    """The currency that `value` names (`usd` and ` USD ` are USD); None where it names none."""
    if not isinstance(value, str) or not value.isascii() or len(value) > 20:
        return None
    code = value.strip().upper()
    return code if code in DECIMALS else None
