# What is read out over a line, in Arabic. Letters are Latin ones by the names of the ICAO alphabet, as they are spoken in Arabic.
# All files beside this one have the same messages with the same variables.

## Digits.

digit-0 = صفر
digit-1 = واحد
digit-2 = اثنان
digit-3 = ثلاثة
digit-4 = أربعة
digit-5 = خمسة
digit-6 = ستة
digit-7 = سبعة
digit-8 = ثمانية
digit-9 = تسعة

## Letters.

letter-a = ألفا
letter-b = برافو
letter-c = تشارلي
letter-d = دلتا
letter-e = إيكو
letter-f = فوكستروت
letter-g = غولف
letter-h = هوتيل
letter-i = إنديا
letter-j = جولييت
letter-k = كيلو
letter-l = ليما
letter-m = مايك
letter-n = نوفمبر
letter-o = أوسكار
letter-p = بابا
letter-q = كيبيك
letter-r = روميو
letter-s = سييرا
letter-t = تانغو
letter-u = يونيفورم
letter-v = فيكتور
letter-w = ويسكي
letter-x = إكس راي
letter-y = يانكي
letter-z = زولو

## Signs that are spoken one by one.

decimal = فاصلة
minus = ناقص
pause = ،

## Halves of the globe.

hemisphere-n = شمال
hemisphere-s = جنوب
hemisphere-e = شرق
hemisphere-w = غرب

## What the script begins with.

exercise = تمرين، تمرين، تمرين. لا شيء من هذا حقيقي.
caution-withdrawn = سُحب هذا الإخطار. لا تمرّره إلى أحد؛ واحذف ما لديك منه.
caution-frozen = صار هذا المكان معروفًا لآخرين، ولم يتخذ صاحبه قرارًا جديدًا بعد. لا تقرأه لمن ليس لديه.
caution-over = انتهى هذا التحرك أو أُلغي.
number = الإخطار { $number }، النسخة { $version }، صدر في { $moment }.
moment = اليوم { $day }، الشهر { $month }، السنة { $year }، الساعة { $time } بالتوقيت العالمي

## A site.

site = إخطار بمكان محمي: { $category }.
site-name = اسمه:
category-hospital = مستشفى
category-clinic = عيادة
category-school = مدرسة
category-shelter = مأوى أو مكان للنازحين
category-worship = مكان عبادة
category-water = مياه أو صرف صحي
category-power = كهرباء
category-food = مخبز أو مكان آخر للغذاء
category-warehouse = مستودع مواد إغاثة
category-office = مكتب منظمة أو دار ضيافتها
category-culture = ممتلك ثقافي
category-detention = مكان احتجاز
category-monitors = نقطة مراقبين
category-other = مكان محمي آخر

## A place.

grid = منطقة الشبكة { $zone }، المربع { $square }، الإحداثي الشرقي { $easting }، الإحداثي الشمالي { $northing }.
latitude = خط العرض { $degrees } درجة، { $hemisphere }.
longitude = خط الطول { $degrees } درجة، { $hemisphere }.
precision = قد يبعد المكان الفعلي { $metres } متر.
spoken-to = يُقرأ المكان بدقة { $metres } متر.
frame-wgs84 = الإحداثيات بنظام W G S ثمانية أربعة.
frame-unstated = لم يُذكر نظام الإحداثيات. وقد يبعد المكان واحد خمسة صفر مترًا إضافيًا.
nearest-metres = يبعد { $distance } متر عن أقرب مكان مسمّى، بسمت حقيقي { $bearing } درجة من هناك. ويسمى ذلك المكان:
nearest-kilometres = يبعد { $distance } كيلومتر عن أقرب مكان مسمّى، بسمت حقيقي { $bearing } درجة من هناك. ويسمى ذلك المكان:
nearest-here = يقع في المكان المسمى:

## A movement.

movement = إخطار بتحرك: { $purpose }، { $mode }.
window = يغادر في { $from } على أبكر تقدير ويصل في { $until } على أبعد تقدير.
persons = عدد الأشخاص: { $count }.
purpose-relief = مواد إغاثة
purpose-medical = مساعدة أو لوازم طبية
purpose-evacuation = إجلاء أشخاص
purpose-patrol = دورية مراقبين
purpose-observation_flight = رحلة مراقبة جوية
purpose-assessment = تقييم
purpose-repair = إصلاح ما يعتمد عليه المدنيون
purpose-exchange = تبادل أشخاص أو رفات
purpose-other = غرض آخر
mode-road = برًا على الطرق
mode-air = جوًا
mode-water = على الماء
mode-foot = سيرًا على الأقدام
mode-rail = بالسكة الحديدية
mode-mixed = بوسائل مختلفة
leg = المرحلة { $leg }. تبدأ في { $from } وتنتهي في { $to } على أبعد تقدير.
leg-halt = المرحلة { $leg }. وقوف في المكان نفسه من { $from } حتى { $to }.
leg-radius = قد يبعد { $metres } متر عن الخط المستقيم.
leg-begins = تبدأ المرحلة { $leg } في هذا المكان.
leg-ends = تنتهي المرحلة { $leg } في هذا المكان.
leg-end-name = تسمى نهاية هذه المرحلة:
heights-between = الارتفاع من { $floor } إلى { $ceiling } متر، { $height }.
heights-above = الارتفاع من { $floor } متر فما فوق، { $height }.
heights-below = الارتفاع من سطح الأرض إلى { $ceiling } متر، { $height }.
heights-all = جميع الارتفاعات.
height-amsl = فوق متوسط سطح البحر
height-agl = فوق سطح الأرض
height-ellipsoid = فوق إهليلج W G S ثمانية أربعة
height-unstated = لم يُذكر مستوى القياس
check-in = يبلّغ بأن كل شيء على ما يرام قبل { $moment }. وتسمى نقطة التحقق:

## What the script ends with.

read-back = أعد قراءة هذا من فضلك، رقمًا رقمًا.
protection = الحماية لا تتغير. يبقى الأشخاص المحميون والأماكن المحمية مشمولين بالحماية بموجب القانون الدولي الإنساني، سواء أخطر أحد بشيء أو أقرّ باستلامه أو تحقق منه أو جدّده أم لم يفعل. الإخطار للإعلام، ولا يطلب إذنًا من أحد.
cannot-be-recalled = لا يمكن تتبّع نسخة سُلّمت ولا استرجاعها. ومن كانت لديه قد يحتفظ بها أو يمرّرها إلى غيره أو يفقدها؛ والسحب يطلب من المتلقين حذفها ولا يستطيع إلزامهم بذلك.
copy-mark = نسخة لـ { $reader }، الحساب { $account }، { $at }. لا تنسخها.
