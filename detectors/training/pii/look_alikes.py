"""What looks like a person's name and is none: brands, software, teams, storms, holidays, dishes, what bears a surname.

Lists by hand and by common knowledge, besides those of `no_names` (here is what a person may be called as well). What
bears someone's name (an algorithm, a disease, a storm) is made up from any surname, which elsewhere is a person's: what
stands around it decides. About a third of each list, by hash, is held out.
"""

# ruff: noqa: RUF001 (people write both apostrophes)

from __future__ import annotations

import zlib
from collections.abc import Sequence
from random import Random

from watchline.detectors.pii.no_names import listed

_KEPT = 3  # of so many one is held out, to measure on


def is_kept(value: str) -> bool:
    """Whether a value is held out."""
    return zlib.crc32(value.casefold().encode()) % _KEPT == 0


def of_kind(kind: str, kept: bool = False) -> list[str]:
    """The things of a kind, held out or not.

    Examples
    --------
    >>> "Visa" in of_kind("brand") + of_kind("brand", kept=True)
    True
    """
    return [value for value in [*_LISTS[kind], *listed().get(kind, ())] if is_kept(value) == kept]


def bearing(kind: str, first: str, last: str, other: str, chance: Random) -> str:
    """Something of a kind that bears the name of a person: `eponym`, `disease`, `storm`, `holiday`, `church`."""
    return chance.choice(_BEARING[kind]).format(first=first, last=last, other=other)


def _split(text: str) -> Sequence[str]:
    return [" ".join(item.split()) for item in text.split("|")]


_LISTS = {
    "brand": _split("""
        Discover|Lloyds|Raymond James|Edward Jones|Fidelity|Vanguard|Lazard|Santander|Ally|Wise|Merck|Roche|Bayer
        |Abbott|Baxter|John Lewis|Michael Kors|Kate Spade|Tory Burch|Jimmy Choo|Paul Smith|Ted Baker|Steve Madden
        |Kenneth Cole|Bobbi Brown|Elizabeth Arden|Samuel Adams|Sara Lee|Hershey's|Reese's|Cadbury|Heinz|Campbell's
        |Bentley|Ferrari|Lincoln|Chrysler|Dodge|Ford|Suzuki|Renault|Bosch|Philips|Dyson|Dell|Wilson|Spalding|Steinway
        |Fender|Gibson|Tiffany|Cartier|Penguin|Fitch|Zara|Patagonia|Columbia|Wolverine|Hilton|Avis|Alamo|Delta|Virgin
        |Mary Kay|Avon|Gerber|Jimmy John's|Bob Evans|Costa|Duncan Hines|Annie's|Miller|Coors|Jameson|Hennessy|Martini
        |Jose Cuervo|Gillette|Dove|Oakley|Converse|Brooks|Salomon|Barbour|Dickies|Lee|Diesel|Benetton|Vitra
        |Herman Miller|Braun|Weber|Stanley|Michelin|Schenker|Evergreen|Thomas Cook|Rick Steves|Dale Carnegie
        |Brooks Brothers|Saks|Harrods|Debenhams|Boots|Leon|Culver's|Morton's
    """),
    "software": _split("""
        Cassandra|Flask|Ruby|Julia|Ada|Pascal|Haskell|Elixir|Scala|Rust|Perl|Crystal|Puppet|Chef|Terraform|Nomad
        |Consul|Vault|Boundary|Packer|Thanos|Cortex|Mimir|Jaeger|Zipkin|Vector|Sentry|Honeycomb|Hudson|Travis|Gerrit
        |Trac|Notion|Linear|Monday|Sketch|Blender|Maya|Houdini|Unity|Logic|Reaper|Premiere|Excel|Word|Outlook|Teams
        |Slack|Zoom|Signal|Hive|Spark|Storm|Beam|Luigi|Druid|Presto|Impala|Phoenix|Calcite|Arrow|Iceberg|Hudi|Riak
        |Neptune|Athena|Aurora|Dynamo|Glacier|Lambda|Polly|Lex|Comprehend|Bedrock|Titan|Bard|Vertex|Watson|Alexa
        |Mistral|Falcon|Alpaca|Phi|Gemma|Perplexity|Sonnet|Haiku|Opus|Einstein|Albert|Bert|Ernie|Elmo|Dolly|Bloom
        |Galactica|Gopher|Minerva|Otter|Orca|Hermes|Zephyr|Mocha|Karma|Cucumber|Cypress|Gatling|Locust|Espresso|Sinatra
        |Hanami|Grape|Devise|Celery|Tornado|Twisted|Torch|Chainer|Ray|Poetry|Ant|Ivy|Buck|Pants|Wicket|Struts|Tapestry
        |Camel|Mule|Tails|Sierra|Ventura|Sonoma|Mojave|Yosemite|Miro|Loom|Jasper|Runway|Whisper|Sora|Devin|Cody|Cursor
        |Sherlock|Rancher|Harbor|Quay|Clair|Falco|Calico|Flannel|Envoy|Caddy|Varnish|Squid|Bind|Samba|Hydra|Kratos
    """),
    "assistant": _split("""
        Alexa|Bard|Mistral|Watson|Ernie|Jarvis|Eliza|Alice|Pi|Sage|Amelia|Ada|Erica|Clara|Eva|Tay|Zo|Einstein|Devin
        |Cody|Jasper|Dot|Luna|Aria|Sidney|Sparky
    """),
    "team": _split("""
        Arsenal|Chelsea|Everton|Fulham|Celtic|Rangers|Hearts|Villarreal|Lazio|Roma|Porto|Sporting|Santos|Palmeiras
        |Jordan Grand Prix|Brabham|Haas|Alpine|Logan City|Florence Pride|Jackson Generals|Tyler Roses|Carson Storm
        |Gloucester
    """),
    "holiday": _split("""
        Holi|Ramadan|Passover|Candlemas|Pentecost|Carnival|Epiphany|Kwanzaa|Tet
    """),
    "place": _split("""
        Washington|Lincoln|Jackson|Madison|Jefferson City|Charlotte|Florence|Victoria|Adelaide|Sydney|Wellington|Nelson
        |Hamilton|Houston|Dallas|Denver|Phoenix|Cleveland|Columbus|Raleigh|Savannah|Chelsea|Brooklyn|Paris|Vienna|Milan
        |Valencia|Lourdes|San Diego|San Jose|San Antonio|Santa Clara|Santa Barbara|Santa Monica|St. Louis|St. Paul
        |St. Petersburg|St. Andrews|St. Moritz|Port Elizabeth|Alice Springs|Carson City|Fort Wayne|Fort Worth
        |Mount Everest|Mount Rainier|Lake Victoria|Lake Michigan|Ben Nevis|Loch Ness|Cape Verde|Santiago|Georgia
        |Carolina|Virginia|Dakota|Montana|Chad|Jordan|Kenya|Malta|Cook Islands|Ross Sea|Hudson Bay|Baffin Island
        |Newton|Arlington|Stanford|Berkeley|Oxford|Preston|Kent|Lancaster|Bradford|Chester|Warwick|Stafford|Lewis
        |Harris|Skye|Iona|Brandon|Regina|Winston-Salem|Marion|Troy|Tyler|Logan|Everett|Pierre|Helena|Augusta|Eugene
        |Kingston|Trafalgar Square|Hyde Park|Piccadilly|Charles de Gaulle Airport|Madison Square Garden
        |John F. Kennedy International Airport|Leonardo da Vinci Airport|Lambert Airport|O'Hare|Schiphol|Heathrow
    """),
    "dish": _split("""
        Pavlova|Shirley Temple|Tom Collins|Arnold Palmer|Margarita|Bellini|Harvey Wallbanger|Rob Roy|Roy Rogers
        |Monte Cristo|Reuben|Battenberg|Madeleine|Napoleon|Charlotte Russe|Garibaldi|Béchamel|Chateaubriand|Carpaccio
        |Lamington|Gala|Braeburn|Maris Piper|King Edward|Iceberg|Romaine|Jack Rose
    """),
    "work": _split("""
        Harry Potter|Anna Karenina|Jane Eyre|Oliver Twist|David Copperfield|Robinson Crusoe|Tom Sawyer|Don Quixote
        |Madame Bovary|Mrs Dalloway|Doctor Zhivago|Doctor Who|Sherlock Holmes|James Bond|Indiana Jones|Forrest Gump
        |Jerry Maguire|Erin Brockovich|Thelma & Louise|Bonnie and Clyde|Romeo and Juliet|Hamlet|Macbeth|King Lear
        |Richard III|Henry V|Julius Caesar|Tosca|Carmen|Aida|Don Giovanni|Figaro|Peter Grimes|Billy Budd|Mary Poppins
        |Peter Pan|Matilda|Moana|Mulan|Cinderella|Ratatouille|Ted Lasso|Better Call Saul|Grey's Anatomy|Ally McBeal
        |Dexter|Frasier|Seinfeld|Friends|Gilmore Girls|Veronica Mars|Nancy Drew|Ellery Queen|Zelda|Lara Croft|Max Payne
        |Super Mario|Donkey Kong|Mona Lisa|Whistler's Mother|Bohemian Rhapsody|Eleanor Rigby|Billie Jean|Roxanne|Jolene
        |Peggy Sue|Hey Jude|Angie|Layla|Wuthering Heights|Middlemarch|Emma|Evelina|Shirley|Rebecca|Lolita|Stoner
    """),
    "phrase": _split("""
        Grace Period|Hope Springs|Will Call|May Day|Mark Down|Bill Payment|Grant Application|Art Supplies|Rose Gold
        |Frank Discussion|Dean's List|Miles Earned|Chase Sequence|Hunter Green|Amber Alert|Crystal Clear|Sandy Beach
        |Rocky Road|Ruby Red|Olive Oil|Ivy League|Holly Wreath|Dawn Patrol|Joy Division|Faith Leaders|Summer Sale
        |Autumn Collection|Winter Coat|Jack Plug|Jenny Wren|Billy Club|Bob Haircut|Don't Worry|Guy Wire|Josh Around
        |Lance Corporal|Mason Jar|Nick Of Time|Pat Down|Pierce Resistance|Reed Switch|Rich Text|Rob Roy Tartan
        |Savings Account|Stewart Island|Tab Key|Terry Cloth|Trace Route|Victor Charlie|Wade Pool|Wally Trolley
        |Kind Regards|Best Wishes|Good Morning|Happy Birthday|Merry Christmas|Key Takeaways|Next Steps|Getting Started
        |Bank Holiday|Terms Of Service|Privacy Policy|Dear Customer|Sign In|Log Out|Add To Cart|Order Summary
        |Hilfe|Rechnung|Kundennummer|Lieferadresse|Bestellung|Guten Tag|Vielen Dank|Mit freundlichen Grüßen|Bonjour
        |Merci Beaucoup|Numéro Client|Adresse Postale|Buenos Días|Muchas Gracias|Número Cuenta|Atención Cliente
        |Codice Cliente|Buongiorno|Obrigado|Kontonummer|Postleitzahl|Geburtsdatum|Ausweis|Führerschein|Versicherung
    """),
}

_BEARING = {
    "eponym": (
        *("{last}'s algorithm", "{last}'s theorem", "{last}'s law", "{last}'s method", "{last}'s inequality"),
        *("the {last} test", "the {last}-{other} test", "{last}-{other} algorithm", "the {last} distribution"),
        *("{last}'s lemma", "the {last}-{other} theorem", "{last} filter", "the {last} transform", "{last} sort"),
        *("{last} equation", "{last} number", "the {last} scale", "{last}'s constant", "{last} index", "{last} tree"),
        *("{last}' theorem", "the {last}–{other} U test", "{last} matrix", "{last} kernel", "the {last} paradox"),
        *("{last}'s principle", "{last} coefficient", "the {last} conjecture", "{last} effect", "{last}-{other} model"),
        *(
            "{last}'s razor",
            "the {last} process",
            "{last} chain",
            "{last} polynomial",
            "{last} criterion",
            "{last} score",
        ),
        *("{last}-{other}", "{last}-{other} correction", "{last} curve", "the {last} cipher", "{last}'s rule"),
    ),
    "disease": (
        *("{last}'s disease", "{last} disease", "{last}'s syndrome", "{last} syndrome", "{last}'s palsy"),
        *("{last}-{other} disease", "{last}'s lymphoma", "{last} fracture", "{last}'s thyroiditis", "{last} reflex"),
        *("{last}'s sarcoma", "{last}'s tumour", "{last}' disease", "{last}-{other} syndrome", "{last}'s sign"),
        *("{last}'s anaemia", "the {last} manoeuvre", "{last} contracture", "{last}'s chorea", "{last} procedure"),
    ),
    "storm": (
        *("Hurricane {first}", "Storm {first}", "Typhoon {first}", "Cyclone {first}", "Tropical Storm {first}"),
        *("Hurricane {first}", "Storm {first}", "hurricane {first}", "Winter Storm {first}", "Superstorm {first}"),
    ),
    "holiday": (
        *("{first} {last} Day", "{last} Day", "St. {first}'s Day", "Saint {first}'s Day", "St {first}’s Day"),
        *("{first} {last} Jr. Day", "{last}'s Birthday", "the feast of St. {first}", "{first} {last} Memorial Day"),
    ),
    "church": (
        *("St. {first}'s Church", "St {first}'s Hospital", "Saint {first} School", "the {first} {last} Museum"),
        *("{last} Hall", "{first} {last} Elementary School", "{last} Stadium", "the {last} Building", "{last} Library"),
        *("the {first} {last} Prize", "the {last} Award", "{last} Bridge", "{last} Park", "the {last} Foundation"),
        *("{first} {last} Airport", "the {last} Act", "the {last} Report", "the {last} Commission", "{last} Grant"),
    ),
}

# `{brand}`, `{team}` are an organisation, `{place}` a place, the others no entity.
TEMPLATES = r"""
Pay with {brand} or {brand} at checkout.
Do you accept {brand}?
My {brand} card was declined twice
my {brand} credit card expired, can i use {brand} instead
{brand} and {brand} are brokers.
{brand} will close the branch; {brand} will not.
{brand} reported better earnings than {brand}.
I have an account at {brand} and one at {brand}.
I bought a pair of {brand} shoes and a {brand} jacket.
Is {brand} better than {brand}?
We had lunch at {brand}.
{brand} has a new menu
{brand}'s shares fell by {number} percent.
The {brand} store in {city} is closed.
Get 20% off at {brand} with this code.
Compare {brand}, {brand} and {brand}.
{brand} customer service hung up on me
i ordered from {brand} and it never came
Our suppliers are {brand}, {brand} and {brand}.
Top brands: {brand}, {brand}, {brand}
{full} works at {brand}.
{name} paid with {brand}.
{name} bought a {brand} jacket for {name}.
{name} switched from {brand} to {brand}.
{software} triggers the build, {software} runs the tests.
{software} and {software} store logs and traces.
{software} is a language; {software} is a framework.
We moved from {software} to {software}.
How do I install {software} on Linux?
Use {software} or {software} to build it.
Our stack: {software}, {software}, {software}
The {software} cluster is down again
{software} 3.{number} fixes the bug.
{software} vs {software}
{software} cannot connect to {software}.
Deploy it with {software}.
Restart {software} and check the {software} logs.
Knowledge of {software}, {software} and {software} is a plus.
import it into {software}
I asked {assistant} to fix it.
I asked {assistant} about the {product}.
{assistant} wrote this code.
{assistant} said that it can't do that.
hey {assistant}, play some music
{assistant}, turn off the lights
Ask {assistant}!
You are {assistant}, a helpful assistant.
My name is {assistant} and I am an AI model.
Is {assistant} better than {assistant}?
The answer was generated by {assistant}.
Prompt {assistant} with the {product} text.
Integrate {assistant} with {software}.
{name} asked {assistant} to summarise the mail.
{name} maintains {software}.
{name} gave a talk about {software} and {software}.
{eponym} beats {eponym} here.
{eponym} gives the posterior, and {eponym} the bound.
Use {eponym} or {eponym}.
Prove {eponym}.
explain {eponym} to me
What is {eponym}?
By {eponym}, the sum is finite.
The p value of {eponym} is 0.0{number}.
{eponym} runs in O(n log n).
We applied {eponym} to the data.
{full} proved {eponym}.
{name} asked about {eponym}.
{disease} and {disease} are covered by the plan.
Symptoms of {disease} include tremor.
is {disease} hereditary?
She was diagnosed with {disease}.
{name} has {disease}.
Dr. {last} treats {disease} and {disease}.
We are closed on {holiday}, {holiday} and {holiday}.
{holiday} is a public holiday.
Is the office open on {holiday}?
Happy {holiday}!
The {holiday} sale starts {date}.
{name} is off until {holiday}.
{storm} and {storm} caused the damage.
{storm} made landfall near {city}.
The roof was damaged by {storm}.
{storm} knocked out power to {number} homes
claims after {storm} must be filed {date}
{name} lost the house in {storm}.
{team} play {team} on Saturday.
{team} beat {team} 3-1.
did {team} win last night?
Tickets for {team} against {team}
{full} signed for {team}.
{name} scored for {team} against {team}.
{team} coach {last} was not amused.
I support {team}.
{place} and {place} are two cities on the route.
The train from {place} to {place} is late.
I live in {place}.
flights to {place} {date}
{name} moved from {place} to {place}.
Weather: {place}, sunny
I'll have the {dish} and the {dish}.
Recipe for {dish}
{dish}: {amount}
How do you make {dish}?
{name} ordered the {dish}.
Have you seen {work}?
My favourite is "{work}".
{work} is on tonight.
We read {work} at school.
{full} directed {work}.
{name} lent me {work}.
{church} is near {church}.
The meeting is at {church}.
{church} opens {date}
{name} was seen at {church}.
## {phrase}
**{phrase}**: {phrase}
- {phrase}\n- {phrase}
{phrase}
{phrase}: {number}
{phrase}. {phrase}!
{phrase}, {first}
Press {phrase} to go on.
{verb} {software} before {date}.
{verb} {software} and {software}.
{verb} {software}, then {verb} {software}.
{verb} a {brand} {product}
{verb} {brand}
{verb} {dish}
{verb} {team}
{verb} {work}
{verb} {eponym}.
{software} keeps crashing
{software} uses too much CPU
why is {software} so slow today
Error in {software}: {word} {word}
{software} needs {number} GB of memory.
running {software} inside {software}
a plugin for {software}
The docs of {software} say so.
{software}'s {word} is {word}.
{brand} refused my refund
can i return the {brand} {product}
{brand} won't accept the coupon
Your {brand} payment of {amount} failed.
The {product} is made by {brand}.
a gift card for {brand}
{brand} and {brand} merged {date}
shares of {brand}, {brand} and {brand}
{brand}: {number} open positions
Sold at {brand} and {brand}
{name} left {brand} for {brand}.
{team} lost to {team}
{team} are top of the league
Final score: {team} {digit}, {team} {digit}
{name} watched {team} with {name}.
tonight: {team} vs {team}
{team} fans were angry
who plays for {team}?
watch {team} live
Our {place} branch is closed.
{place} has {number} inhabitants.
Deliveries to {place} and {place} are free.
the {place} office
Hotels in {place}
arriving in {place}, leaving from {place}
{place} airport is closed.
the mayor of {place}
by train from {place} to {place}
{place} is in {country}.
north of {place}, south of {place}
It rains in {place} and {place}.
We ship from {place} only.
The store in {place} has it.
{name} lives in {place}.
{name} flew from {place} to {place}.
weather {place}
{place}, {place} and {place}
one {dish}, no ice
A {dish} and a {dish}, please.
does the {dish} contain nuts
{work} by {full}
Tickets for {work}
Chapter one of {work}
{work} won the prize.
no class on {holiday}
{holiday} falls on a Monday.
Closed: {holiday}, {holiday}
See you after {holiday}, {first}.
treated for {disease}
signs of {disease}
{disease}: causes and treatment
{number} patients with {disease}
{storm} is coming
After {storm}, {number} roofs were gone.
insured against {storm}
{eponym}, {eponym} and {eponym}
fit {eponym} to the data
does {eponym} hold here?
The paper improves on {eponym}.
{eponym}: a short introduction
near {church}
{church} closes at noon.
built like {church}
### {phrase}
{phrase} | {phrase}
1. {phrase}
{phrase} - {date}
{last}: see {eponym}
{last} and {last} met {last}.
"""
