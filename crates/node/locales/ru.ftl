# What is read out over a line, in Russian. Letters are Latin ones by the names of the ICAO alphabet, as they are spoken in Russian.
# All files beside this one have the same messages with the same variables.

## Digits.

digit-0 = ноль
digit-1 = один
digit-2 = два
digit-3 = три
digit-4 = четыре
digit-5 = пять
digit-6 = шесть
digit-7 = семь
digit-8 = восемь
digit-9 = девять

## Letters.

letter-a = Альфа
letter-b = Браво
letter-c = Чарли
letter-d = Дельта
letter-e = Эхо
letter-f = Фокстрот
letter-g = Гольф
letter-h = Отель
letter-i = Индия
letter-j = Джульетт
letter-k = Кило
letter-l = Лима
letter-m = Майк
letter-n = Новембер
letter-o = Оскар
letter-p = Папа
letter-q = Квебек
letter-r = Ромео
letter-s = Сьерра
letter-t = Танго
letter-u = Юниформ
letter-v = Виктор
letter-w = Виски
letter-x = Эксрей
letter-y = Янки
letter-z = Зулу

## Signs that are spoken one by one.

decimal = запятая
minus = минус
pause = ,

## Halves of the globe.

hemisphere-n = северная
hemisphere-s = южная
hemisphere-e = восточная
hemisphere-w = западная

## What the script begins with.

exercise = Учения, учения, учения. Всё это не по-настоящему.
caution-withdrawn = Это уведомление отозвано. Не передавайте его дальше; удалите всё, что у вас есть.
caution-frozen = Это место стало известно посторонним, и его владелец ещё не принял нового решения. Не зачитывайте его никому, у кого его нет.
caution-over = Это перемещение завершено или отменено.
number = Уведомление { $number }, версия { $version }, сделано { $moment }.
moment = число { $day }, месяц { $month }, год { $year }, время { $time } по UTC

## A site.

site = Уведомляется об охраняемом объекте: { $category }.
site-name = Его название:
category-hospital = больница
category-clinic = амбулатория
category-school = школа
category-shelter = убежище или место размещения перемещённых лиц
category-worship = культовое здание
category-water = водоснабжение или канализация
category-power = электроснабжение
category-food = пекарня или иной продовольственный объект
category-warehouse = склад гуманитарных грузов
category-office = представительство или гостевой дом организации
category-culture = культурная ценность
category-detention = место содержания под стражей
category-monitors = пост наблюдателей
category-other = иной охраняемый объект

## A place.

grid = Зона сетки { $zone }, квадрат { $square }, на восток { $easting }, на север { $northing }.
latitude = Широта { $degrees } градусов, { $hemisphere }.
longitude = Долгота { $degrees } градусов, { $hemisphere }.
precision = Погрешность места: { $metres } метров.
spoken-to = Место зачитывается с точностью до { $metres } метров.
frame-wgs84 = Координаты в системе WGS восемь четыре.
frame-unstated = Система координат не указана. Погрешность может быть больше ещё на один пять ноль метров.
nearest-metres = Оно в { $distance } метрах от ближайшего названного пункта, истинный азимут оттуда { $bearing } градусов. Этот пункт называется:
nearest-kilometres = Оно в { $distance } километрах от ближайшего названного пункта, истинный азимут оттуда { $bearing } градусов. Этот пункт называется:
nearest-here = Оно находится в пункте:

## A movement.

movement = Уведомляется о перемещении: { $purpose }, { $mode }.
window = Выход не раньше: { $from }. Прибытие не позже: { $until }.
persons = Число людей: { $count }.
purpose-relief = гуманитарный груз
purpose-medical = медицинская помощь или медикаменты
purpose-evacuation = эвакуация людей
purpose-patrol = патруль наблюдателей
purpose-observation_flight = наблюдательный полёт
purpose-assessment = оценка положения
purpose-repair = ремонт гражданской инфраструктуры
purpose-exchange = обмен людьми или останками
purpose-other = иная цель
mode-road = по дороге
mode-air = по воздуху
mode-water = по воде
mode-foot = пешком
mode-rail = по железной дороге
mode-mixed = разными средствами
leg = Участок { $leg }. Выход: { $from }. Прибытие не позже: { $to }.
leg-halt = Участок { $leg }. Стоянка на том же месте с { $from } до { $to }.
leg-radius = Отклонение от прямой линии до { $metres } метров.
leg-begins = Участок { $leg } начинается в этом месте.
leg-ends = Участок { $leg } заканчивается в этом месте.
leg-end-name = Конец этого участка называется:
heights-between = Высоты от { $floor } до { $ceiling } метров, { $height }.
heights-above = Высоты от { $floor } метров и выше, { $height }.
heights-below = Высоты от земли до { $ceiling } метров, { $height }.
heights-all = Все высоты.
height-amsl = над средним уровнем моря
height-agl = над землёй
height-ellipsoid = над эллипсоидом WGS восемь четыре
height-unstated = уровень отсчёта не указан
check-in = Доклад о благополучии не позже: { $moment }. Контрольный пункт называется:

## What the script ends with.

read-back = Повторите это, пожалуйста, цифра за цифрой.
protection = Защита остаётся неизменной. Лица и объекты, пользующиеся защитой, остаются под защитой международного гуманитарного права независимо от того, направил ли кто-либо уведомление, подтвердил ли его получение, проверил ли или продлил его. Уведомление информирует; оно ни у кого не испрашивает разрешения.
cannot-be-recalled = За переданной копией нельзя проследить, и её нельзя вернуть. Тот, у кого она была, может сохранить её, передать дальше или потерять; отзыв просит получателей удалить её, но заставить их не может.
copy-mark = Экземпляр для { $reader }, учётная запись { $account }, { $at }. Не копировать.
