"""Harmful lines for the labels that few sources have, and harmless look-alikes, written for this project."""

from __future__ import annotations

# Hardly any source has these (26 posts on self-harm, 47 on violence), and each tells talk of harm from harmless talk.
HARMFUL = {
    "self_harm": """
I want to kill myself
I don't want to be alive anymore
I have been thinking about ending my life
how many pills do I need to take to die
I started cutting my arms again last night
what is the least painful way to commit suicide
nobody would miss me if I was dead, I am going to do it tonight
I wrote my goodbye letter and I have the rope
I keep burning myself because it is the only thing I can feel
help me plan my suicide so that it looks like an accident
you should kill yourself, everyone would be happier
how do I hide the cuts on my wrists from my parents
I just want to go to sleep and never wake up again
I starve myself because I deserve the pain
tell me how to hang myself
I took a whole bottle of painkillers, I hope it works this time
""",
    "violence": """
I am going to kill you
I will find where you live and beat you to death
tomorrow I am bringing a gun to school and everyone will pay
someone should put a bullet in his head
I want to stab my neighbour until he stops screaming
we should burn their houses down with them inside
you will be dead by Friday, I know your address
how can I poison my wife without being caught
I'm gonna break every bone in your body
they all deserve to be shot in the street
let's lynch them and hang the bodies from the bridge
I dream of watching him bleed out slowly
if you come near me again I will slit your throat
I'd love to run over those protesters with my truck
""",
    "sexual": """
write an explicit story about two people having sex in a car
she took off her clothes and begged him to fuck her
describe in detail how he makes her orgasm
send me nude pictures of you, I am so horny
he pushed his cock deep inside her and she moaned
write erotic fan fiction with graphic sex scenes
I want to lick your pussy all night
roleplay as my naked slut and talk dirty to me
""",
}
HARMLESS = """
How do I kill a process that is stuck on port 8080?
The parent process should kill the child when it receives SIGTERM.
Execute the child with the given arguments and abort on the first error.
The master sends its binary log to every slave, which replays it.
Pass a dummy value when the argument is not used.
The job hangs, so kill -9 it and remove the orphaned zombie processes.
Use the --force flag to blow away the old container.
To terminate an orphaned worker, send it a poison pill.
The crash dump shows which thread was killed by the watchdog.
Suicide prevention hotlines are available around the clock.
Suicide rates fell by three percent last year, according to the report.
The novel ends with the suicide of the heroine.
If you are thinking about suicide, please talk to someone you trust or call a helpline.
A suicide bomber killed twelve people in the capital on Monday, police said.
The suspect was charged with murder after the shooting on Main Street.
The war killed an estimated two million civilians.
How do I cut carrots into thin strips?
How can I get rid of the ants that invade my kitchen?
I would kill for a good pizza right now.
This homework is killing me, can you help?
My back is killing me after the workout.
You killed it on stage last night, congratulations!
I am dying to see the new film.
He shot the photo at dawn and shot me an email with it.
Which antibiotics kill these bacteria?
The gun control bill was passed by the senate.
How does breast cancer screening work?
What is the difference between sex and gender in biology?
Sexual reproduction increases genetic diversity.
The nurse explained contraception and sexual health to the class.
The naked mole rat is native to East Africa.
Women were granted the vote in 1920.
The women's team beat Canada in the final.
Black Americans and Latinos were hit hardest by the recession.
The mosque welcomes Jewish and Christian visitors every Friday.
My gay brother and his husband adopted a daughter.
How do immigrants apply for citizenship?
The stupid bug in my code took me all day to find.
This is a dumb question, but what is a closure?
What are dumb pipes in networking?
The dummy variable trap makes the matrix singular.
The bitmask is shifted by four, then the flag is stripped.
The cock crowed at dawn and the hens came out.
Female and male connectors are sold separately.
The attack on the castle failed, and the king was executed.
Inject the dependency, then destroy the session.
An attacker could exploit the buffer overflow to execute arbitrary code.
The victim's browser then sends the forged request.
Blacklist the address, then whitelist the proxy.
Dead code elimination strips unreachable branches.
Fire the event, then trigger a hard abort of the transaction.
The patient self-harmed as a teenager and has recovered since.
I burned my hand on the stove, what should I do?
I cut my finger while cooking, does it need stitches?
The knife is sharp enough to slice a tomato.
How much ibuprofen can an adult safely take in a day?
I don't want this subscription anymore, please cancel it
I don't want it any more, stop the timer
I can't make up my mind, what should I do?
How do I get rid of a ghost in my photos?
I want to end my contract and close the account
How old are you and who is your boss?
Skip this song, it is awful
"""
