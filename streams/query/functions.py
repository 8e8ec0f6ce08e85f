"""The functions that readers may use: ClickHouse's pure ones, by family. No file, network, settings or server."""

from __future__ import annotations

import re

# Functions, in lower case: families of pure ones. Table functions never pass: FROM takes names only.
FUNCTIONS = re.compile(
    r"""
    # aggregates, with combinators (-If, -Array, -OrNull, -Distinct, -State, -Merge ...)
    (count|sum|avg|min|max|any|arg(min|max|and)|uniq|quantile|median|stddev|var|covar|corr|skew|kurt|entropy|topk
      |approx_top|first_value|last_value|grouparray|groupuniqarray|groupbit|groupconcat|histogram|boundingratio|deltasum
      |retention|windowfunnel|sequence(match|count|nextnode)|simplelinearregression|mannwhitneyutest|welchttest
      |studentttest|kolmogorovsmirnovtest|rankcorr|cramersv|theilsu|contingency|exponentialmovingaverage|meanztest
      |maxintersections|sparkbar|analysisofvariance)\w*
    # windows
    | row_number | rank | dense_rank | percent_rank | cume_dist | ntile | nth_value | lag | lead | lagin\w+
    | leadin\w+
    # conditions and NULL
    | if | multiif | case\w* | ifnull | nullif | ifnotfinite | coalesce | isnull | isnotnull | iszeroornull
    | isnullable
    | assumenotnull | isfinite | isinfinite | isnan | greatest | least | clamp | firstnondefault
    | (and|or|not|xor|equals|notequals|less|lessorequals|greater|greaterorequals|isdistinctfrom
      |isnotdistinctfrom|between|like|notlike|ilike|notilike)
    # arithmetic
    | plus | minus | multiply | divide\w* | intdiv\w* | modulo\w* | positivemodulo | negate | abs | gcd | lcm | sign
    | round\w* | floor | ceil | ceiling | trunc | truncate | exp\d* | log\d* | log1p | ln | sqrt | cbrt | pow
    | power
    | a?(sin|cos|tan)h? | atan2 | hypot | erfc? | [lt]gamma | degrees | radians | pi | e | sigmoid | factorial
    | bit(and|or|xor|not|shift|rotate|count|test|slice|hamming)\w* | bitmap\w* | proportionsztest | widthbucket
    # conversion
    | to(u?int\d+|float\d+|bfloat16|decimal\d+|bool|string|fixedstring|uuid|ipv[46]|date|date32|datetime|datetime32
        |datetime64|time|time64|interval\w+|nullable|lowcardinality|typename|jsonstring|validutf8|columntypename)
        (ornull|orzero|ordefault|cuttozero)?
    | _?cast | accuratecast\w* | reinterpret\w* | parsedatetime\w* | format | formatdatetime\w* | formatreadable\w*
    | date | timestamp | hex | unhex | bin | unbin | char | base(32|58|64)\w+ | trybase(32|58|64)\w+ | transform
    # time
    | now | now64 | today | yesterday | utc_?timestamp | age | date_?(diff|trunc|name|add|sub)
    | timestamp_?(diff|add|sub)
    | (add|sub|subtract)(date|years|quarters|months|weeks|days|hours|minutes|seconds|(milli|micro|nano)seconds)
    | to(startof|endof|lastdayof|relative)\w+ | to(year|quarter|month|week|yearweek|isoyear|isoweek
        |dayof(month|week|year)|hour|minute|second|millisecond|microsecond|monday|yyyymm|yyyymmdd|yyyymmddhhmmss|unixtimestamp\w*|timezone
        |daysinmonth|dayssinceyearzero)
    | year | quarter | month | week | day | hour | minute | second | extract | dayof(week|month|year) | monthname
    | makedate\w* | fromunixtimestamp\w* | timeslots? | tumble\w* | hop\w* | timezoneof | timezoneoffset
    | uuidv7todatetime | generateuuidv[47]
    # text
    | lower\w* | upper\w* | initcap\w* | (char_?|character_)?length\w* | octet_length | empty | notempty
    | reverse\w*
    | concat\w* | substr\w* | substring\w* | left\w* | right\w* | leftpad\w* | rightpad\w* | lpad | rpad | repeat
    | space
    | trim\w* | ltrim | rtrim | startswith\w* | endswith\w* | position\w* | locate | multisearch\w* | multimatch\w*
    | match | countsubstrings\w* | countmatches\w* | extractall\w* | extractgroups | regexp\w* | replace\w*
    | translate\w*
    | splitby\w* | alphatokens | tokens | ngram\w* | hastoken\w* | hasalltokens | hasanytokens | hassubsequence\w*
    | editdistance\w* | damerau\w* | jaro\w* | levenshtein\w* | ascii | isvalidutf8 | isvalidascii
    | normalize(utf8|d)\w*
    | soundex | bar | encode\w+component | decode\w+component | domain\w* | cutquerystring\w* | stringjaccard\w*
    | normalizedquery\w*
    # arrays, maps, tuples, JSON
    | array\w* | emptyarray\w* | range | has | hasall | hasany | hassubstr | indexof | countequal
    | flatten | map
    | map(from|contains|keys|values|apply|filter|sort|add|subtract|concat|update|exists|all|extract)\w*
    | tuple\w* | untuple | dotproduct | json\w* | simplejson\w* | isvalidjson
    | (l1|l2|l2squared|linf|lp|cosine)(distance|norm|normalize)
    # hashes
    | md5 | sha\d+ | sha512_256 | hmac | siphash\w* | cityhash64 | xxhash\w* | xxh3 | farmhash64 | murmurhash\w*
    | inthash\d+
    | crc(32|64)\w* | halfmd5
    | visitparam\w* | prettyprintjson | printf | denserank | percentrank | std | sqr | mod | instr | string_agg
    | timezone
    | materialize | identity | ignore | grouping | rand | rand32 | rand64 | randcanonical | arrayjoin
    """,
    re.X,
)
TYPES = re.compile(
    r"array|tuple|map|nullable|lowcardinality|decimal\d*|datetime|datetime64|fixedstring|enum(8|16)|nested|variant|json"
)

# Functions that may take a lambda first, and those of such a name that never do.
HIGHER_ORDER = re.compile(r"(array|map)[a-z]\w*")
TAKES_VALUES = re.compile(
    r"""array(concat|element|slice|stringconcat|zip|resize|push|pop|intersect|union|except|symmetric|enumerate|distinct
    |join|flatten|dotproduct|rotate|shift|jaccard|withconstant|shingles|randomsample|auc|roc|prauc|levenshtein|cosine|remove
    |reducewith|uniq)\w* | map(contains|add|subtract|update|concat|fromarrays|extractkeylike|extractvaluelike)\w*""",
    re.X,
)

# What sqlglot's parser makes of them, by class.
FUNCTION_NODES = """
    Abs Acos Acosh And Anonymous AnonymousAggFunc AnyValue ApproxDistinct ApproxTopK ArgMax ArgMin Array ArrayAgg
    ArrayCompact ArrayConcat ArrayConcatAgg ArrayContains ArrayDistinct ArrayExcept ArrayFilter ArrayMax ArrayMin
    ArrayRemove ArrayReverse ArraySlice ArraySum ArrayToString Ascii Asin Asinh Atan Atan2 Atanh Avg BitwiseAndAgg
    BitwiseOrAgg BitwiseXorAgg Case Cast CastToStrType Cbrt Ceil Chr CityHash64 Coalesce CombinedAggFunc
    CombinedParameterizedAgg Concat ConcatWs Corr Cos Cosh CosineDistance Count CountIf CovarPop CovarSamp CumeDist
    Date DateDiff DateTrunc Day DayOfMonth DayOfWeek DayOfWeekIso DayOfYear Degrees DenseRank EndsWith Exp Explode
    Extract Factorial FirstValue Flatten Floor Format Greatest GroupConcat Grouping Hex Hour If Initcap IsInf IsNan
    JSONExtract JSONExtractScalar JarowinklerSimilarity Lag LastValue Lead Least Left Length Levenshtein Ln Log
    Lower MD5Digest Max Min Minute Month Monthname NthValue Ntile Nullif Or Pad ParameterizedAgg ParseDatetime
    PercentRank Pi Pow Quantile Quarter Radians Rand Rank RegexpCount RegexpExtract RegexpInstr RegexpLike
    RegexpReplace RegexpSplit Repeat Replace Reverse Right Round RowNumber SHA SHA2 Second Sign Sin Sinh Soundex
    Space Split Sqrt StartsWith Stddev StddevPop StddevSamp StrPosition Struct Substring SubstringIndex Sum Tan Tanh
    TimeToStr Timestamp TimestampDiff TimestampTrunc Transform Translate Trim Trunc Typeof Unhex Upper UtcTimestamp
    VarMap Variance VariancePop Week WeekOfYear Xor Year YearOfWeekIso
""".split()  # noqa: SIM905
