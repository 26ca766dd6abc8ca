"""Common factors (监测因子) with their codes and units.

Sources: HJ 212-2017 Appendix B (codes of HJ 525 for water and HJ 524 for air, beside them those of HJ/T 212-2005),
names and units as transcribed in srdgame/lua-HJ212; turbidity and ozone from HJ 525 and HJ 524. For particles that
transcript says ng/m3; GB 3095 and the instruments use µg/m3, which stands here, as it does for ozone.
A unit here is the usual one: the profile of a device decides.
"""

from dataclasses import dataclass

__all__ = ["FACTORS", "Factor", "find_factor"]


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor: code, code of the 2005 edition if it had one, names, UCUM unit."""

    code: str
    older: str | None
    zh: str
    en: str
    unit: str


FACTORS = (
    # water (HJ 525)
    Factor("w00000", "B01", "污水流量", "waste water flow", "L/s"),
    Factor("w01001", "001", "pH值", "pH", "[pH]"),
    Factor("w01003", None, "浑浊度", "turbidity", "{NTU}"),
    Factor("w01009", None, "溶解氧", "dissolved oxygen", "mg/L"),
    Factor("w01010", None, "水温", "water temperature", "Cel"),
    Factor("w01012", "003", "悬浮物", "suspended solids", "mg/L"),
    Factor("w01014", None, "电导率", "conductivity", "uS/cm"),
    Factor("w01017", "010", "五日生化需氧量", "biochemical oxygen demand, five days", "mg/L"),
    Factor("w01018", "011", "化学需氧量", "chemical oxygen demand", "mg/L"),
    Factor("w01019", None, "高锰酸盐指数", "permanganate index", "mg/L"),
    Factor("w01020", "015", "总有机碳", "total organic carbon", "mg/L"),
    Factor("w21001", "065", "总氮", "total nitrogen", "mg/L"),
    Factor("w21003", "060", "氨氮", "ammonia nitrogen", "mg/L"),
    Factor("w21011", "101", "总磷", "total phosphorus", "mg/L"),
    # air (HJ 524)
    Factor("a00000", "B02", "废气流量", "waste gas flow", "m3/s"),
    Factor("a01001", None, "温度", "temperature", "Cel"),
    Factor("a01002", None, "湿度", "relative humidity", "%"),
    Factor("a01006", None, "气压", "air pressure", "kPa"),
    Factor("a01007", None, "风速", "wind speed", "m/s"),
    Factor("a01008", None, "风向", "wind direction", "deg"),
    Factor("a05024", None, "臭氧", "ozone", "ug/m3"),
    Factor("a19001", "S01", "氧气含量", "oxygen content", "%"),
    Factor("a21002", "03", "氮氧化物", "nitrogen oxides", "mg/m3"),
    Factor("a21004", None, "二氧化氮", "nitrogen dioxide", "mg/m3"),
    Factor("a21005", "04", "一氧化碳", "carbon monoxide", "mg/m3"),
    Factor("a21026", "02", "二氧化硫", "sulfur dioxide", "mg/m3"),
    Factor("a34001", None, "总悬浮颗粒物", "total suspended particles", "ug/m3"),
    Factor("a34002", None, "可吸入颗粒物", "PM10", "ug/m3"),
    Factor("a34004", None, "细颗粒物", "PM2.5", "ug/m3"),
    Factor("a34013", "01", "烟尘", "smoke dust", "mg/m3"),
    # noise
    Factor("LA", None, "A权声级", "A-weighted sound level", "dB[SPL]"),
    Factor("Leq", None, "等效声级", "equivalent sound level", "dB[SPL]"),
    Factor("Ldn", None, "昼夜等效声级", "day-night sound level", "dB[SPL]"),
)

_BY_CODE = {code: factor for factor in FACTORS for code in (factor.code, factor.older) if code}


def find_factor(code: str) -> Factor | None:
    """The factor of a code, new or of the 2005 edition; None if it is not in this table."""
    return _BY_CODE.get(code)
