"""Plans of invented places, each with what a careful clerk reads in it; the tests make files of them.

`INDICATORS`, `TARGETS` (in sentences), `TASKS`, `BOXES`, `CONTRADICTIONS` are the whole of it,
`UNSURE` some of it; `NOT_IN` are forms that it cannot be read in.
"""

from tests.engines.plan.reader.invented import (
    baisha_ecology,
    chenghu_outline,
    chenxi_digital,
    donghu_schools,
    guangyang_transport,
    heping_health,
    jiangling_water,
    lanan_digital,
    liuxi_roads,
    ludao_safety,
    luoxi_grain,
    nanping_year,
    qinglan_city,
    shimen_year,
    songxi,
    tongxi_tourism,
    wuqiao_health,
    yihu_schools,
    yunling_farming,
    yunxiu_digital,
)

PLANS = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        songxi, qinglan_city, yunling_farming, baisha_ecology, heping_health, chenxi_digital, nanping_year,
        donghu_schools, chenghu_outline, liuxi_roads, shimen_year, luoxi_grain, wuqiao_health, lanan_digital,
        tongxi_tourism, jiangling_water, yihu_schools, yunxiu_digital, guangyang_transport,
        ludao_safety,
    )
}  # fmt: skip
