<?php
// 200 when the database lets this task in, 503 otherwise. Loads nothing of MediaWiki.

const PATIENCE_SECONDS = 2; // below the health check's own timeout

mysqli_report( MYSQLI_REPORT_OFF );
header( 'Content-Type: text/plain' );
header( 'Cache-Control: no-store' );
$db = mysqli_init();
$db->options( MYSQLI_OPT_CONNECT_TIMEOUT, PATIENCE_SECONDS );
$db->options( MYSQLI_OPT_READ_TIMEOUT, PATIENCE_SECONDS );
$connected = $db->real_connect(
	getenv( 'DB_HOST' ),
	getenv( 'DB_USERNAME' ),
	rtrim( file_get_contents( getenv( 'DB_PASSWORD_FILE' ) ), "\r\n" ),
	getenv( 'DB_DATABASE' ),
	(int)( getenv( 'DB_PORT' ) ?: 3306 )
);
http_response_code( $connected ? 200 : 503 );
echo $connected ? "ok\n" : "the database does not answer\n";
