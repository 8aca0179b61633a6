# What is read out over a line, in English. Letters are those of the ICAO alphabet.
# All files beside this one have the same messages with the same variables.

## Digits.

digit-0 = zero
digit-1 = one
digit-2 = two
digit-3 = three
digit-4 = four
digit-5 = five
digit-6 = six
digit-7 = seven
digit-8 = eight
digit-9 = nine

## Letters.

letter-a = Alfa
letter-b = Bravo
letter-c = Charlie
letter-d = Delta
letter-e = Echo
letter-f = Foxtrot
letter-g = Golf
letter-h = Hotel
letter-i = India
letter-j = Juliett
letter-k = Kilo
letter-l = Lima
letter-m = Mike
letter-n = November
letter-o = Oscar
letter-p = Papa
letter-q = Quebec
letter-r = Romeo
letter-s = Sierra
letter-t = Tango
letter-u = Uniform
letter-v = Victor
letter-w = Whiskey
letter-x = X-ray
letter-y = Yankee
letter-z = Zulu

## Signs that are spoken one by one.

decimal = decimal
minus = minus
pause = ,

## Halves of the globe.

hemisphere-n = north
hemisphere-s = south
hemisphere-e = east
hemisphere-w = west

## What the script begins with.

exercise = Exercise, exercise, exercise. Nothing of this is real.
caution-withdrawn = This notice was withdrawn. Do not pass it on; delete what you have of it.
caution-frozen = This place became known to others, and its owner has not decided anew. Do not read it out to anybody who does not have it.
caution-over = This movement is over or was aborted.
number = Notice { $number }, version { $version }, said on { $moment }.
moment = day { $day }, month { $month }, year { $year }, time { $time } U T C

## A site.

site = A protected place is notified: { $category }.
site-name = Its name:
category-hospital = hospital
category-clinic = clinic
category-school = school
category-shelter = shelter, or place of displaced people
category-worship = place of worship
category-water = water or sanitation
category-power = power supply
category-food = bakery, or other place of food
category-warehouse = warehouse of relief goods
category-office = office or guest house of an organisation
category-culture = cultural property
category-detention = place of detention
category-monitors = post of monitors
category-other = other protected place

## A place.

grid = Grid zone { $zone }, square { $square }, easting { $easting }, northing { $northing }.
latitude = Latitude { $degrees } degrees, { $hemisphere }.
longitude = Longitude { $degrees } degrees, { $hemisphere }.
precision = The place may be off by { $metres } metres.
spoken-to = The place is spoken to { $metres } metres.
frame-wgs84 = The coordinates are in W G S eight four.
frame-unstated = Nobody stated the frame of the coordinates. The place may be off by one five zero metres more.
nearest-metres = It lies { $distance } metres from the nearest named place, bearing { $bearing } degrees true from there. That place is called:
nearest-kilometres = It lies { $distance } kilometres from the nearest named place, bearing { $bearing } degrees true from there. That place is called:
nearest-here = It lies at the place called:

## A movement.

movement = A movement is notified: { $purpose }, { $mode }.
window = It leaves on { $from } at the earliest and arrives on { $until } at the latest.
persons = Number of persons: { $count }.
purpose-relief = relief goods
purpose-medical = medical help or supplies
purpose-evacuation = persons are brought out
purpose-patrol = patrol of monitors
purpose-observation_flight = flight of observation
purpose-assessment = assessment
purpose-repair = repair of what civilians depend on
purpose-exchange = exchange of persons or remains
purpose-other = another purpose
mode-road = by road
mode-air = by air
mode-water = on water
mode-foot = on foot
mode-rail = by rail
mode-mixed = by several means
leg = Leg { $leg }. It leaves on { $from } and arrives on { $to } at the latest.
leg-halt = Leg { $leg }. It stands at the same place from { $from } until { $to }.
leg-radius = It may be { $metres } metres off the straight line.
leg-begins = Leg { $leg } begins at this place.
leg-ends = Leg { $leg } ends at this place.
leg-end-name = The end of this leg is called:
heights-between = Heights from { $floor } to { $ceiling } metres, { $height }.
heights-above = Heights from { $floor } metres upward, { $height }.
heights-below = Heights from the ground to { $ceiling } metres, { $height }.
heights-all = All heights.
height-amsl = above mean sea level
height-agl = above the ground
height-ellipsoid = above the W G S eight four ellipsoid
height-unstated = nobody stated above what
check-in = It says that all is well by { $moment }. The check-point is called:

## What the script ends with.

read-back = Read this back, please, digit by digit.
protection = Protection is unchanged. Protected persons and places stay protected under international humanitarian law, whether or not anybody has notified, acknowledged, validated or renewed anything. A notice informs; it asks nobody's permission.
cannot-be-recalled = A copy that was delivered cannot be watched or recalled. Whoever had it may keep it, pass it on or lose it; a withdrawal asks recipients to delete it and cannot make them.
copy-mark = Copy for { $reader }, account { $account }, { $at }. Do not copy.
