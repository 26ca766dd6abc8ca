"""Words that plans use for the columns of their tables (表头用语), and what each column holds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shizhu.engines.plan.logic.reader.lines import compact, half_width
from shizhu.engines.plan.logic.reader.years import year_of

# role, pattern on the heading without spaces, quotes and brackets (a year or 十四五 is YEAR): the first that fits wins
_ROLES: tuple[tuple[str, str], ...] = (
    ("no", r"序号?|编号|项次|№|NO\.?|No\.?|号"),
    ("kind", r"(?:指标)?(?:属性|性质)|指标类型|属性类别"),
    ("note", r"备注|说明|附注|备考|其他"),
    (
        "remark",
        r"(?:投资|合作|引资)(?:主体|方|商|企业)|(?:县级|区级|市级|乡镇|部门|项目|工作)*(?:责任|分管|包联|包抓|包保|联系|牵头|挂点|挂钩|主管)"
        r"(?:县|市|区)?(?:领导|责任人|人)|联系(?:电话|方式)|(?:项目|目前|当前|工作|最新)*(?:进展|推进|完成|落实)(?:情况|状态)?"
        r"|(?:评分|考核|评价|计分|评估|赋分)(?:标准|办法|方法|细则|规则|方式|依据)|(?:数据|指标|资料)来源|(?:标准)?分值|权重|权数|得分",
    ),
    (
        "area",
        r"(?:各|所属|责任)*(?:乡镇|镇街|镇乡|县区|区县|县市区?|市县|街道|乡镇街道|镇村|行政区划?|行政村|区域|地区|片区)(?:名称)?",
    ),
    (
        "money",
        r"(?:YEAR|计划|估算|预计|总|项目|工程|概算|期间|时期|内|以前|年度|已|完成|中央|地方|财政|匡算)*"
        r"(?:投资|资金|概算|预算)(?:来源|估算|规模|额|总额|需求|计划|概算|完成|筹措|匡算)*",
    ),
    ("spot", r"(?:建设|实施|项目|工程)?(?:地点|地址|位置|选址|区位|区域)"),
    (
        "growth",
        r"(?:YEAR(?:[-—–~至到]YEAR)?)?(?:五年|规划期|时期|期间|内|预期|目标|计划|规划)*(?:年均|年平均|平均|年)?(?:预期|目标)?"
        r"(?:增长率|增长速度|增速|增长|增幅|递增率|递增|变化率)(?:值|目标)?(?:/?[或及和]?(?:五年)?(?:累计.*)?)?"
        r"|(?:YEAR(?:[-—–~至到]YEAR)?)?(?:五年|规划期|时期|期间|内)*年均(?:值|数)?(?:/?[或及和]?(?:五年)?(?:累计.*)?)?"
        r"|(?:YEAR(?:[-—–~至到]YEAR)?)?(?:五年|规划期|时期|期间|内|累计)*(?:增减|增加|提高|变化|增量)(?:值|量|幅度|情况|数)?",
    ),
    ("sum", r"(?:YEAR|五年|规划期|时期|期间|内)*累计(?:数|值|目标|增长|完成|新增)?"),
    (
        "year",
        r"YEAR(?:年底|基期|基数|基准|现状|实际|实绩|完成|预计|指标|规划|计划|预期|目标|发展|期末|末期|近期|中期|远期|期中|达到|时期|数|值|情况|水平|总量|绝对[值额量]|"
        r"末|底|期|年|的)*",
    ),
    (
        "period",
        r"(?:建设|实施|计划|完成|项目|工程|任务|起止|推进|工作|时间|总体|预计|开工|竣工|投产|出台|印发|发布|整改|办结|达到|规划|目标)*"
        r"(?:期限|年限|时限|起止年?限?|时间|进度|周期|节点|工期|时段|期间)(?:安排|要求|计划|节点|表|进度)*|建设期|实施年[份度]|完成年份|年度",
    ),
    ("unit", r"(?:计量|计算|统计|指标|度量)?单位"),
    ("support", r"(?:配合|参与|协办|协同|支持|参加|协作|协助|会同)(?:责任)?(?:单位|部门|主体|机构)?"),
    (
        "lead",
        r"(?:责任|牵头|实施|承担|主管|组织|落实|负责|主办|执行|申报|建设|承办|推进|项目|主要|第一|市级|县级|区级|行业|配合|"
        r"业主|法人|归口|监管|运营|指导|协调|参建|参与|[及和与/、])*(?:单位|部门|主体|机构|业主|[科股处]室)|牵头|责任",
    ),
    ("group", r"一级指标|指标(?:类别|分类|领域|维度)"),
    ("class", r"(?:任务|项目|工程|所属|建设|工作)?(?:类别|类型|分类|领域|板块|大类|方向|归类)"),
    (
        "target",
        r"(?:规划|预期|发展|期末|计划|末期|远期|绩效|考核)*(?:目标|指标)值(?:YEAR)?|(?:规划|预期|发展|期末|计划|末期|远期)*目标(?:YEAR)?|(?:规划|预期|计划|期末)[值数](?:YEAR)?",
    ),
    (
        "base",
        r"(?:指标)?(?:基期|基数|基准|现状|基础|当前|现有|实际)(?:年|年度)?(?:指标)?(?:[值数]|水平|情况)?(?:YEAR)?|现值",
    ),
    (
        "name",
        r"(?:主要|核心|具体|规划|发展|考核|监测|评价|工作|重点|关键|年度|目标|任务|绩效|二级|三级|四级)*指标(?:名称|内容|体系|项目|项)?"
        r"|绩效目标(?:名称)?"
        r"|(?:主要|重点|具体|项目|工程|任务|平台|载体|措施|事项|实事)*名称?|(?:重点|重大|建设|支撑)*(?:项目|工程)",
    ),
    (
        "task",
        r"(?:主要|重点|工作|具体|建设|改革|年度|分解|规划)*任务(?:事项|清单|分解)?|(?:工作|任务|重点)*事项|重点工作|工作项目|(?:重点|年度)?(?:民生)?实事(?:项目|事项)?",
    ),
    (
        "content",
        r"(?:主要|重点|具体|建设|工作|任务|项目|工程|实施|目标|规划|改革|预期)*(?:内容|规模|措施|举措|概况|要点|要求|描述|成效|成果|做法|"
        r"目标任务|工作目标|任务目标)(?:[及和与、](?:主要|建设|工作)*(?:内容|规模|目标|标准|要求|措施))?"
        r"|(?:YEAR|第?[一二三四1-4]季度)(?:年度)?(?:工作|重点|建设|推进|实施|任务|进度|形象|目标)*(?:安排|任务|内容|进度|计划|目标)?",
    ),
)
_COMPILED = tuple((role, re.compile(pattern)) for role, pattern in _ROLES)
_ASIDE = re.compile(r"[(\[〔【]([^)\]〕】]*)[)\]〕】]?")
_YEAR_WORDS = re.compile(r"(?<!\d)20\d{2}年?(?:底|末)?|十[一二三四五六七八九]五(?:规划)?")
_TO = re.compile(r"^(?:到|至|截至|截止)")

VALUE_ROLES = frozenset({"year", "base", "target"})
KIND_WORDS = re.compile(r"(?:约束|预期|指导|参考|引导|导向|考核|监测|核心|基本|特色)(?:性|型)?(?:指标)?")


@dataclass(frozen=True)
class Heading:
    """The heading of one column: its role, the text as printed, what stands in brackets, and the year it names."""

    role: str
    title: str
    aside: str | None = None
    year: int | None = None
    offset: int | None = None


def heading_of(printed: str, offset: int | None = None) -> Heading:
    """Read a column heading; a heading nobody knows has the role "other"."""
    title = compact(half_width(printed))
    aside = _ASIDE.search(title)
    year = year_of(title)
    return Heading(role_of(printed) or "other", compact(printed), aside.group(1) if aside else None, year, offset)


def role_of(printed: str) -> str | None:
    """Return the role of a column heading, or None for a text that heads no column we know."""
    narrow = compact(half_width(printed))
    title = re.sub(r"[“”\"'‘’《》*#①-⑳]", "", _ASIDE.sub("", narrow))
    if not title or len(title) > 16:
        return _role_of_aside(printed) if not title else None
    title = _YEAR_WORDS.sub("YEAR", _TO.sub("", title))
    known = next((role for role, pattern in _COMPILED if pattern.fullmatch(title)), None)
    aside = _ASIDE.search(narrow)
    dated = known is None and aside and title.endswith(("值", "数", "近期", "中期", "远期")) and year_of(aside.group(1))
    return "year" if dated else known


def _role_of_aside(printed: str) -> str | None:
    """A heading that is all in brackets, such as （单位）, is read without them."""
    inner = compact(half_width(printed)).strip("()[]〔〕【】")
    return role_of(inner) if inner and inner != compact(half_width(printed)) else None
